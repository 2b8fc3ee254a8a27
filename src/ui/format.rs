//! Numbers for people, in units that do not jump about.
