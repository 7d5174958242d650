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
    #[cfg(feature = "mcu")]
    libvpx::link();
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
