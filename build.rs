//! Tells the linker how Node loads the addon, and compiles what stands between Rust and libvpx; nothing
//! to do for the plain Rust build.
fn main() {
    // Else any file of the package that changes, a test or a page of docs, compiles the engine again.
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "node")]
    napi_build::setup();
    // What is published has no names of functions, a sixth of the file: profilers want them where the module
    // was built, and nobody does elsewhere. Here, as another profile would compile all crates once more.
    println!("cargo:rerun-if-env-changed=MEDIALOOM_STRIP");
    if std::env::var_os("MEDIALOOM_STRIP").is_some() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--strip-all");
    }
    layout::link();
    #[cfg(feature = "mcu")]
    libvpx::link();
}

/// Where the functions lie that a media thread runs through when it wakes.
///
/// A thread that slept finds little of its code in the caches, and what a wake-up costs in a small room
/// is mostly getting it back. Next to each other these functions share cache lines and pages, and the
/// processor fetches ahead of them what comes next.
mod layout {
    use std::env;
    use std::path::Path;
    use std::process::Command;

    /// Written by `node bench/turns.js --layout`. Names that are no more are passed over.
    const SCRIPT: &str = "src/layout.ld";

    /// Hands it to the linker, if that takes it: those of GNU and LLVM do, and Rust's own.
    pub(super) fn link() {
        println!("cargo:rerun-if-changed={SCRIPT}");
        println!("cargo:rerun-if-env-changed=MEDIALOOM_LAYOUT");
        let linux = env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux");
        let release = env::var_os("PROFILE").is_some_and(|profile| profile == "release");
        let unwanted = env::var_os("MEDIALOOM_LAYOUT").is_some_and(|wanted| wanted == "0");
        let (Ok(root), Some(out)) = (env::var("CARGO_MANIFEST_DIR"), env::var_os("OUT_DIR")) else {
            return;
        };
        let argument = format!("-Wl,-T,{root}/{SCRIPT}");
        // A comma would end the linker's argument.
        if linux && release && !unwanted && !root.contains(',') && links(&argument, out.as_ref()) {
            println!("cargo:rustc-cdylib-link-arg={argument}");
        }
    }

    /// Whether an empty library links with the argument, by the linker and with the options that the module
    /// will be linked by.
    fn links(argument: &str, out: &Path) -> bool {
        let (Some(rustc), Some(target)) = (env::var_os("RUSTC"), env::var_os("TARGET")) else {
            return false;
        };
        let source = out.join("layout.rs");
        let mut command = Command::new(rustc);
        command.arg(&source).args(["--crate-type", "cdylib", "--target"]).arg(target);
        command.arg("-o").arg(out.join("layout.so")).args(["-C", &format!("link-arg={argument}")]);
        if let Some(linker) = env::var_os("RUSTC_LINKER") {
            command.args(["-C", &format!("linker={}", linker.to_string_lossy())]);
        }
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        command.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
        std::fs::write(&source, "").is_ok()
            && command.output().is_ok_and(|done| done.status.success())
    }
}

#[cfg(feature = "mcu")]
mod libvpx {
    use std::env;
    use std::path::{Path, PathBuf};

    const SOURCE: &str = "src/mcu/video/codec/vpx.c";
    /// The calls that vpx.c makes are those of this version.
    const OLDEST: &str = "1.8.0";

    /// Compiles vpx.c against the libvpx that is there, and links both: libvpx statically where there
    /// is a static one, so that whoever installs the module needs none.
    ///
    /// `VPX_LIB_DIR` and `VPX_INCLUDE_DIR` name another one than pkg-config's.
    pub(super) fn link() {
        println!("cargo:rerun-if-changed={SOURCE}");
        for name in ["VPX_LIB_DIR", "VPX_INCLUDE_DIR"] {
            println!("cargo:rerun-if-env-changed={name}");
        }
        let (include, libraries) = locate();
        let mut build = cc::Build::new();
        build.file(SOURCE).includes(include);
        let archive = static_library(&build, &libraries);
        // First, as linkers want it: what calls before what is called.
        build.compile("medialoom_vpx");
        let folders = libraries.iter().map(PathBuf::as_path);
        for folder in folders.chain(archive.as_deref().and_then(Path::parent)) {
            println!("cargo:rustc-link-search=native={}", folder.display());
        }
        match archive {
            Some(file) if file.extension().is_some_and(|extension| extension == "lib") => {
                println!("cargo:rustc-link-lib=static={}", stem(&file));
            }
            Some(_) => println!("cargo:rustc-link-lib=static=vpx"),
            None => println!("cargo:rustc-link-lib=vpx"),
        }
    }

    /// Where the headers are and the libraries.
    fn locate() -> (Vec<PathBuf>, Vec<PathBuf>) {
        if let Some(folder) = env::var_os("VPX_LIB_DIR") {
            let include = env::var_os("VPX_INCLUDE_DIR").map(PathBuf::from);
            return (include.into_iter().collect(), vec![folder.into()]);
        }
        let mut config = pkg_config::Config::new();
        // Linking is told below, statically if it can be.
        config.cargo_metadata(false).env_metadata(true).atleast_version(OLDEST);
        match config.probe("vpx") {
            Ok(library) => (library.include_paths, library.link_paths),
            Err(error) => {
                eprintln!("libvpx {OLDEST} or newer is needed to mix pictures: {error}");
                std::process::exit(1);
            }
        }
    }

    /// The static library, in one of the folders or where the compiler looks by itself.
    fn static_library(build: &cc::Build, folders: &[PathBuf]) -> Option<PathBuf> {
        let named = ["libvpx.a", "vpx.lib", "libvpx.lib", "vpxmd.lib"];
        let mut files = folders.iter().flat_map(|folder| named.map(|name| folder.join(name)));
        if let Some(file) = files.find(|file| file.exists()) {
            return Some(file);
        }
        // Debian's pkg-config tells no folder: the compiler has its own for each architecture.
        let output =
            build.try_get_compiler().ok()?.to_command().arg("-print-file-name=libvpx.a").output();
        let file = PathBuf::from(String::from_utf8(output.ok()?.stdout).ok()?.trim());
        (file.is_absolute() && file.exists()).then_some(file)
    }

    fn stem(file: &Path) -> String {
        file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}
