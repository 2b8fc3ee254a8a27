//! Enter and leave the terminal, whatever happens: quit, panic, SIGTERM, SIGHUP, suspend and back.
