//! What is due when: pure.
