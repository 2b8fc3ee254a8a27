//! What the program says without its screen, to people and to machines: [`check`] tells what works and how to mend
//! what does not, [`alerts`] are the verdicts of a moment for Nagios and its kin. Both [`watch`] the server for a round or two with
//! the worker, the budgets and the connections that the screen has, and then read [`crate::known::Known`] alone.

pub mod alerts;
pub mod check;
pub mod page;
pub mod watch;
