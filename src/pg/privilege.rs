//! Can this role write?
