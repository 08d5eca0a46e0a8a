//! A provider's key, for tests.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use domain::{Timestamp, keys::KeyPair};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::jwt;

/// A provider's key, and what it signs with it.
pub(super) struct Signer {
    pub(super) pair: KeyPair,
    pub(super) jwk: Value,
}

impl Signer {
    pub(super) fn new() -> Self {
        let pair = jwt::generate(Timestamp::EPOCH).unwrap();
        let public = &pair.public;
        let jwk = json!({"kty": "RSA", "kid": public.kid, "n": public.n, "e": public.e});
        Self { pair, jwk }
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let pair = RsaKeyPair::from_pkcs8(self.pair.private.expose_secret()).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        let encoding = if header["alg"] == "RS512" {
            &RSA_PKCS1_SHA512
        } else {
            &RSA_PKCS1_SHA256
        };
        pair.sign(
            encoding,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

/// What is signed of a token: header and claims.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}
