//! The one background task.
