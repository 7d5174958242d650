//! Mixed pictures.
