//! The command line, and nothing else: psql's letters, our own long options.
