//! Tests of the whole part: real clients' descriptions, rows of rules, and properties.
