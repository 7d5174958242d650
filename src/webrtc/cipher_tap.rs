//! Plaintext of SRTP and SRTCP on its way through str0m's ciphers, for packet dumps. str0m's own
//! debugging hook clones every packet and gives RTCP in parsed form, which Wireshark cannot read.
//!
//! Without a dump the ciphers are str0m's, untouched.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock};

use str0m::config::CryptoProvider;
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, Aes128CmSha1_80Cipher, CryptoError, SrtpProvider,
    SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

/// The plaintext of the packet a session handled last.
#[derive(Clone, Default, Debug)]
pub(super) struct LastPlaintext(Arc<Mutex<Vec<u8>>>);

impl LastPlaintext {
    fn set(&self, bytes: &[u8]) {
        let mut last = self.0.lock().unwrap_or_else(|e| e.into_inner());
        last.clear();
        last.extend_from_slice(bytes);
    }

    /// Takes it, if a cipher was used since it was taken before.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let mut last = self.0.lock().unwrap_or_else(|e| e.into_inner());
        (!last.is_empty()).then(|| std::mem::take(&mut *last))
    }

    /// Runs `action`; ciphers that are made in it report here.
    pub(super) fn observe<T>(&self, action: impl FnOnce() -> T) -> T {
        OBSERVER.set(Some(self.clone()));
        let value = action();
        OBSERVER.set(None);
        value
    }
}

thread_local! {
    /// Whose ciphers are being made. str0m makes them without saying for which session.
    static OBSERVER: RefCell<Option<LastPlaintext>> = const { RefCell::new(None) };
}

fn observer() -> Option<LastPlaintext> {
    OBSERVER.with_borrow(Clone::clone)
}

/// The same cryptography, with ciphers that report to their observer.
pub(super) fn tapped(provider: CryptoProvider) -> CryptoProvider {
    static TAP: OnceLock<SrtpTap> = OnceLock::new();
    let tap = TAP.get_or_init(|| SrtpTap::new(provider.srtp_provider));
    CryptoProvider { srtp_provider: tap, ..provider }
}

#[derive(Debug)]
struct SrtpTap {
    inner: &'static dyn SrtpProvider,
    /// The factories have to live as long as the program.
    cm: &'static CmTap,
    gcm_128: &'static Gcm128Tap,
    gcm_256: &'static Gcm256Tap,
}

impl SrtpTap {
    fn new(inner: &'static dyn SrtpProvider) -> Self {
        Self {
            inner,
            cm: Box::leak(Box::new(CmTap(inner.aes_128_cm_sha1_80()))),
            gcm_128: Box::leak(Box::new(Gcm128Tap(inner.aead_aes_128_gcm()))),
            gcm_256: Box::leak(Box::new(Gcm256Tap(inner.aead_aes_256_gcm()))),
        }
    }
}

impl SrtpProvider for SrtpTap {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        self.cm
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        self.gcm_128
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        self.gcm_256
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        self.inner.srtp_aes_128_ecb_round(key, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        self.inner.srtp_aes_256_ecb_round(key, input, output);
    }
}

#[derive(Debug)]
struct CmTap(&'static dyn SupportedAes128CmSha1_80);

impl SupportedAes128CmSha1_80 for CmTap {
    fn create_cipher(&self, key: [u8; 16], encrypt: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        let inner = self.0.create_cipher(key, encrypt);
        match observer() {
            Some(last) => Box::new(Tapped { inner, last }),
            None => inner,
        }
    }
}

#[derive(Debug)]
struct Gcm128Tap(&'static dyn SupportedAeadAes128Gcm);

impl SupportedAeadAes128Gcm for Gcm128Tap {
    fn create_cipher(&self, key: [u8; 16], encrypt: bool) -> Box<dyn AeadAes128GcmCipher> {
        let inner = self.0.create_cipher(key, encrypt);
        match observer() {
            Some(last) => Box::new(Tapped { inner, last }),
            None => inner,
        }
    }
}

#[derive(Debug)]
struct Gcm256Tap(&'static dyn SupportedAeadAes256Gcm);

impl SupportedAeadAes256Gcm for Gcm256Tap {
    fn create_cipher(&self, key: [u8; 32], encrypt: bool) -> Box<dyn AeadAes256GcmCipher> {
        let inner = self.0.create_cipher(key, encrypt);
        match observer() {
            Some(last) => Box::new(Tapped { inner, last }),
            None => inner,
        }
    }
}

/// A cipher and who wants to see what passes through it.
#[derive(Debug)]
struct Tapped<C: ?Sized> {
    last: LastPlaintext,
    inner: Box<C>,
}

impl Aes128CmSha1_80Cipher for Tapped<dyn Aes128CmSha1_80Cipher> {
    fn encrypt(
        &mut self,
        iv: &[u8; 16],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.last.set(input);
        self.inner.encrypt(iv, input, output)
    }

    fn decrypt(
        &mut self,
        iv: &[u8; 16],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.inner.decrypt(iv, input, output)?;
        self.last.set(output.get(..input.len()).unwrap_or(output));
        Ok(())
    }
}

macro_rules! tap_gcm {
    ($cipher:ident) => {
        impl $cipher for Tapped<dyn $cipher> {
            fn encrypt(
                &mut self,
                iv: &[u8; 12],
                aad: &[u8],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<(), CryptoError> {
                self.last.set(input);
                self.inner.encrypt(iv, aad, input, output)
            }

            fn decrypt(
                &mut self,
                iv: &[u8; 12],
                aads: &[&[u8]],
                input: &[u8],
                output: &mut [u8],
            ) -> Result<usize, CryptoError> {
                let length = self.inner.decrypt(iv, aads, input, output)?;
                self.last.set(output.get(..length).unwrap_or_default());
                Ok(length)
            }
        }
    };
}

tap_gcm!(AeadAes128GcmCipher);
tap_gcm!(AeadAes256GcmCipher);
