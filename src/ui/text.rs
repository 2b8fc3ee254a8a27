//! Text from the server on the screen: safe, measured in terminal cells, cut.
