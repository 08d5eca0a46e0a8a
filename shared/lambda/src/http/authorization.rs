//! What came of signing in at a provider, out of a body.

use domain::identity::Authorization;

use super::Fields;

impl Fields {
    /// Takes `provider`, `code`, `codeVerifier`, `nonce` and `redirectUri`. Notes what is wrong with
    /// any of them.
    pub fn authorization(&mut self) -> Option<Authorization> {
        let (provider, code) = (self.parse("provider"), self.parse("code"));
        let (code_verifier, nonce) = (self.parse("codeVerifier"), self.parse("nonce"));
        let redirect_uri = self.parse("redirectUri");
        Some(Authorization {
            provider: provider?,
            code: code?,
            code_verifier: code_verifier?,
            nonce: nonce?,
            redirect_uri: redirect_uri?,
        })
    }
}
