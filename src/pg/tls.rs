//! TLS through native-tls with libpq sslmodes.
