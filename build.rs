//! Tells the linker how Node loads the addon; nothing to do for the plain Rust build.
fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
