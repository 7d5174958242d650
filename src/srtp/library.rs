use std::ffi::CStr;

use aws_lc_sys::{OPENSSL_VERSION, OpenSSL_version};

/// Version of the AWS-LC that is linked, such as `5.12.0`.
pub fn library_version() -> String {
    // Of bindings for other systems the constant is unsigned.
    #[allow(clippy::unnecessary_cast)]
    // SAFETY: a static text.
    let text = unsafe { CStr::from_ptr(OpenSSL_version(OPENSSL_VERSION)) };
    text.to_string_lossy().trim_start_matches("AWS-LC ").to_owned()
}
