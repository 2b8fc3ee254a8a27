//! The program: [`world::World`] is what it knows, [`action`] what a key means, `update` turns an event into
//! changes and effects (pure), the run loop feeds it and carries the effects out.

pub mod action;
pub mod world;
