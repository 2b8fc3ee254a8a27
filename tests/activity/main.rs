//! What the Activity pane and the page of one backend are made of, on real servers of every version, against other
//! questions from other sessions.

mod detail;
mod eye;
mod list;
mod progress;
mod texts;
