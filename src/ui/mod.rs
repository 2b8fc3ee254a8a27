//! What panes share: the table with its columns, the look (theme, glyphs, colour depth), text that cannot drive
//! the terminal, number formats, sparklines, SQL highlighting and wrapping, the filter language.

pub mod filter;
pub mod format;
pub mod highlight;
pub mod look;
pub mod set_out;
pub mod spark;
pub mod table;
pub mod text;
pub mod wrap;
