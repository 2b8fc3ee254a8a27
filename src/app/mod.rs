//! The program: [`world::World`] is what it knows, [`action`] what a key means, [`update`] turns an event into
//! changes and effects (pure), [`run`] feeds it and carries the effects out.

pub mod action;
pub mod chrome;
pub mod keymap;
pub mod log;
pub mod message;
pub mod popup;
pub mod print_sql;
pub mod run;
pub mod start;
pub mod state;
pub mod update;
pub mod world;
