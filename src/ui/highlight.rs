//! SQL highlighting that loses no character.
