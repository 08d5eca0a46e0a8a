//! What is known of issuers by their names: who cannot be one, and who cannot prove addresses. It is said
//! at the start of a function, not to the first person who tries to sign in.

use url::Url;
use uuid::Uuid;

/// The hosts of Microsoft Entra ID. The first part of an issuer's path is a tenant's id.
const ENTRA: [&str; 7] = [
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
];

/// The tenant of all personal Microsoft accounts.
const PERSONAL_ACCOUNTS: Uuid = Uuid::from_u128(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);

/// Sites at which people have accounts, and which give no ID token for an authorization code.
const NO_PROVIDERS: [(&str, &str); 9] = [
    ("github.com", "GitHub"),
    ("api.github.com", "GitHub"),
    ("facebook.com", "Facebook"),
    ("www.facebook.com", "Facebook"),
    ("graph.facebook.com", "Facebook"),
    ("twitter.com", "X"),
    ("x.com", "X"),
    ("bitbucket.org", "Bitbucket"),
    ("www.reddit.com", "Reddit"),
];

/// Checks an issuer by what is known of its name.
///
/// # Errors
/// Says what is wrong, and what to do.
pub(super) fn check(issuer: &str, proves_email: bool) -> Result<(), String> {
    // Its discovery document names each tenant's issuer, never this one.
    if issuer.contains(['{', '}']) {
        return Err(format!(
            "`{issuer}` is a pattern: name the issuer of one tenant"
        ));
    }
    // Whether it is an address that may be asked, `Web::check` says.
    let Ok(url) = Url::parse(issuer) else {
        return Ok(());
    };
    let host = url.host_str().unwrap_or_default();
    if let Some((_, site)) = NO_PROVIDERS.iter().find(|(known, _)| *known == host) {
        return Err(format!(
            "{site} is no OpenID provider with a code flow; put one in front of it that is"
        ));
    }
    if !ENTRA.contains(&host) {
        return Ok(());
    }
    let tenant = url.path().split('/').nth(1).unwrap_or_default();
    let Ok(id) = Uuid::try_parse(tenant) else {
        return Err(format!(
            "`{tenant}` is not the id of one tenant of Microsoft Entra: its issuer is \
             https://login.microsoftonline.com/<tenant id>/v2.0"
        ));
    };
    if proves_email && id == PERSONAL_ACCOUNTS {
        let message = "this tenant is everybody's, and proves no address: leave out provesEmail";
        return Err(message.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_one_tenant() {
        let tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
        let v2 = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
        for proves_email in [false, true] {
            assert_eq!(check(&v2(tenant), proves_email), Ok(()));
            let v1 = format!("https://sts.windows.net/{tenant}/");
            assert_eq!(check(&v1, proves_email), Ok(()));
            for shared in [
                "common",
                "organizations",
                "consumers",
                "contoso.com",
                "{tenantid}",
                "",
            ] {
                let refused = check(&v2(shared), proves_email).unwrap_err();
                assert!(refused.contains("one tenant"), "{refused}");
            }
            assert!(check("https://id.example.com/{tenant}", proves_email).is_err());
        }
    }

    #[test]
    fn who_has_tenants_of_strangers_proves_no_address() {
        let personal = format!("https://login.microsoftonline.com/{PERSONAL_ACCOUNTS}/v2.0");
        assert_eq!(check(&personal, false), Ok(()));
        assert!(check(&personal, true).unwrap_err().contains("provesEmail"));
    }

    #[test]
    fn who_gives_no_id_token_is_refused_by_name() {
        for (issuer, name) in [
            ("https://github.com", "GitHub"),
            ("https://github.com/login/oauth", "GitHub"),
            ("https://www.facebook.com", "Facebook"),
            ("https://x.com/", "X"),
        ] {
            assert!(
                check(issuer, false).unwrap_err().starts_with(name),
                "{issuer}"
            );
        }
        for issuer in [
            "https://accounts.google.com",
            "https://appleid.apple.com",
            "https://gitlab.com",
            "https://github.example.com",
        ] {
            assert_eq!(check(issuer, true), Ok(()));
        }
    }
}
