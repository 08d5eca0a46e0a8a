//! The local stack as benchmarks start it, with an administrator.

use std::path::PathBuf;

use cli::{
    Admin, first_administrator,
    local::{APP_URL, HEALTH, parameters},
};
use local::{
    compile::Build,
    stack::{Functions, Options, Running, Stack},
    template::Overrides,
};

/// The address of the administrator.
pub(crate) const ADMIN: &str = "admin@example.com";

/// The password of the administrator, and of everybody at first.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// All people come from one address, which is not what limits are made for.
const PARAMETERS: [(&str, &str); 11] = [
    ("SignInAttemptsPerSource", "100000"),
    ("SignInsPerUser", "100000"),
    ("RefreshesPerSession", "100000"),
    ("ChangesPerUser", "100000"),
    ("SignUpsPerSource", "100000"),
    ("MailsPerAddress", "100"),
    ("MailIntervalSeconds", "0"),
    ("MailsPerAsker", "100000"),
    ("MailsPerHour", "100000"),
    ("ServiceNetworks", "127.0.0.0/8"),
    ("AccessLagSeconds", "0"),
];

/// What a deployment must choose, and these.
pub(crate) fn with<const N: usize>(values: [(&str, &str); N]) -> Overrides {
    let mut all = parameters();
    all.extend(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all
}

/// Builds the functions, in the profile of the benchmark, and starts the stack at free ports.
pub(crate) async fn start() -> anyhow::Result<Running> {
    let mut parameters = with(PARAMETERS);
    // The stack knows the address of its console.
    parameters.remove(APP_URL);
    let options = Options {
        template: PathBuf::from("template.yaml"),
        parameters,
        functions: Functions::Build(Build {
            release: !cfg!(debug_assertions),
            with_tests: false,
        }),
        console_parameter: Some(APP_URL.to_owned()),
        ..Options::default()
    };
    let running = Stack::start(options).await?;
    let admin = Admin {
        email: ADMIN.to_owned(),
        password: PASSWORD.to_owned(),
    };
    first_administrator(&running, &admin).await?;
    running.ready(HEALTH).await?;
    Ok(running)
}
