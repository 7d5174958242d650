//! Tells the linker how Node loads the addon; nothing to do for the plain Rust build.
fn main() {
    // Else any file of the package that changes, a test or a page of docs, compiles the engine again.
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "node")]
    napi_build::setup();
}
