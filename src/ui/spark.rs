//! Sparklines and bars.
