//! The program: [`state`] is what it shows, [`keymap`] what a key means, [`update`] turns an event into changes and
//! effects (pure), [`run`] feeds it and carries the effects out.

mod bell;
pub mod chrome;
mod connect;
mod headless;
pub mod keymap;
pub mod log;
pub mod marks;
mod orders;
pub mod popup;
pub mod print_sql;
pub mod run;
pub mod start;
pub mod state;
pub mod update;
