//! A whole receiving side on fake time.
