//! One connection: handshake under a deadline, and the only caller of the driver.
