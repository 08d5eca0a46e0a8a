use axum::body::Body;
use serde_json::{Value, json};

use super::*;
use crate::{journal::Happening, lambda::tests::probe, loopback::client, port::Port};

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters:
  AppUrl: {Type: String, Default: https://example.com}
  Issuer: {Type: String, Default: ''}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Probe:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: probe}}
    Properties:
      Runtime: provided.al2023
      Environment: {Variables: {APP_URL: !Ref AppUrl, ISSUER: !Ref Issuer}}
      Events:
        All: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
";

/// A folder with a template; gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(template: &str) -> Self {
        let folder = std::env::temp_dir().join(uuid::Uuid::new_v4().to_string());
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("template.yaml"), template).unwrap();
        Self(folder)
    }

    fn options(&self) -> Options {
        Options {
            template: self.0.join("template.yaml"),
            api_parameter: Some("Issuer".to_owned()),
            console_parameter: Some("AppUrl".to_owned()),
            functions: Functions::Built(Executables::from([("probe".to_owned(), probe())])),
            ..Options::default()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn get(url: &str) -> (u16, Value) {
    let response = client().get(url.parse().unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = Body::new(response.into_body());
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn a_request_reaches_its_function_and_is_answered() {
    let folder = Folder::new(TEMPLATE);
    let running = Stack::start(folder.options()).await.unwrap();
    running.ready("/").await.unwrap();
    let (status, answer) = get(&format!("{}/some/path?a=b", running.api_url)).await;
    assert_eq!(status, 200);
    assert_eq!(answer["echo"]["routeKey"], "$default");
    assert_eq!(answer["echo"]["queryStringParameters"], json!({ "a": "b" }));
    assert_eq!(
        format!(
            "http://{}",
            answer["echo"]["requestContext"]["domainName"]
                .as_str()
                .unwrap()
        ),
        running.api_url
    );
    assert!(running.journal.since(0).iter().any(|entry| matches!(
        &entry.happening,
        Happening::Request { path, status: 200, .. } if path == "/some/path"
    )));
    let lambda = running.lambda.clone();
    assert_eq!(lambda.processes("Probe").len(), 1);
    running.stop().await;
    assert!(lambda.processes("Probe").is_empty());
}

#[tokio::test]
async fn dropping_a_stack_ends_its_processes() {
    let folder = Folder::new(TEMPLATE);
    let running = Stack::start(folder.options()).await.unwrap();
    running.ready("/").await.unwrap();
    let lambda = running.lambda.clone();
    drop(running);
    lambda.stopped().await;
    assert!(lambda.processes("Probe").is_empty());
}

#[tokio::test]
async fn a_foreign_host_gets_nothing() {
    let folder = Folder::new(TEMPLATE);
    let running = Stack::start(folder.options()).await.unwrap();
    let request = http::Request::get(&running.api_url)
        .header("host", "rebound.example.com")
        .body(Body::empty())
        .unwrap();
    let response = client().request(request).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(running.lambda.processes("Probe").is_empty());
}

#[tokio::test]
async fn an_address_by_number_leads_to_the_name() {
    let folder = Folder::new(TEMPLATE);
    let running = Stack::start(folder.options()).await.unwrap();
    for (url, path) in [
        (&running.api_url, "/users?a=b"),
        (&running.console_url, "/"),
    ] {
        let number = url.replace("localhost", "127.0.0.1");
        let uri = format!("{number}{path}").parse().unwrap();
        let response = client().get(uri).await.unwrap();
        assert_eq!(response.status(), 307);
        assert_eq!(response.headers()["location"], format!("{url}{path}"));
    }
    assert!(running.lambda.processes("Probe").is_empty());
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    let cors = "{Properties: {CorsConfiguration: {AllowOrigins: ['http://localhost:5173'], AllowMethods: [GET]}}, ";
    let folder = Folder::new(&TEMPLATE.replace("Api: {", &format!("Api: {cors}")));
    let running = Stack::start(folder.options()).await.unwrap();
    let ask = async |method: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(&running.api_url)
            .header("origin", "http://localhost:5173")
            .header("access-control-request-method", "GET")
            .body(Body::empty());
        client().request(request.unwrap()).await.unwrap()
    };
    let preflight = ask("OPTIONS").await;
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-methods"], "GET");
    assert!(running.lambda.processes("Probe").is_empty());

    let answer = ask("GET").await;
    assert_eq!(answer.status(), 200);
    let origin = &answer.headers()["access-control-allow-origin"];
    assert_eq!(origin, "http://localhost:5173");
}

#[tokio::test]
async fn parameters_have_the_addresses_of_the_stack_unless_they_are_given() {
    let folder = Folder::new(TEMPLATE);
    let running = Stack::start(folder.options()).await.unwrap();
    let variables = &running.model.functions["Probe"].environment.variables;
    assert_eq!(variables["APP_URL"], running.console_url);
    assert_eq!(variables["ISSUER"], running.api_url);

    let mut options = folder.options();
    options
        .parameters
        .insert("AppUrl".to_owned(), "http://own".to_owned());
    let running = Stack::start(options).await.unwrap();
    assert_eq!(
        running.model.functions["Probe"].environment.variables["APP_URL"],
        "http://own"
    );
}

#[tokio::test]
async fn services_may_run_without_the_functions() {
    let folder = Folder::new(TEMPLATE);
    let mut options = folder.options();
    options.functions = Functions::Elsewhere;
    let taken = Port::bind(0, "--port", options.bind).await.unwrap();
    options.port = taken.number;
    let running = Stack::start(options).await.unwrap();

    let (_, variables) = get(&format!("{}/api/variables", running.console_url)).await;
    let api = format!("http://localhost:{}", taken.number);
    assert_eq!(variables["api"], api);
    assert_eq!(variables["functions"]["Probe"]["binary"], "probe");
    assert_eq!(variables["functions"]["Probe"]["own"]["ISSUER"], api);
    let dynamodb = &variables["services"]["AWS_ENDPOINT_URL_DYNAMODB"];
    let port = running.dynamodb_url.rsplit_once(':').unwrap().1;
    assert_eq!(*dynamodb, format!("http://127.0.0.1:{port}"));
    assert_eq!(
        variables["services"]["AWS_ENDPOINT_URL"],
        "http://127.0.0.1:9"
    );
    assert!(running.model.routes.is_empty());
}

#[tokio::test]
async fn another_name_of_this_machine_is_good_for_every_service() {
    let folder = Folder::new(TEMPLATE);
    let mut options = folder.options();
    options.allowed_hosts = vec!["host.docker.internal".to_owned()];
    let running = Stack::start(options).await.unwrap();
    let (_, variables) = get(&format!("{}/api/variables", running.console_url)).await;
    let services = variables["services"].as_object().unwrap();
    let services = services
        .iter()
        .filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL_"));
    let mut urls: Vec<_> = services.map(|(_, url)| url.as_str().unwrap()).collect();
    assert_eq!(urls.len(), 5);
    urls.push(&running.api_url);
    urls.push(&running.console_url);
    for url in urls {
        let status = async |host: &str| {
            let request = http::Request::get(url).header("host", host);
            let request = request.body(Body::empty()).unwrap();
            client().request(request).await.unwrap().status()
        };
        assert_ne!(status("host.docker.internal:1").await, 403, "{url}");
        assert_eq!(status("example.com").await, 403, "{url}");
    }
}

/// The one line with which a start fails.
async fn failure(options: Options) -> String {
    let error = format!("{:#}", Stack::start(options).await.unwrap_err());
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let folder = Folder::new(TEMPLATE);

    let mut options = folder.options();
    let taken = Port::bind(0, "--port", options.bind).await.unwrap();
    options.console_port = taken.number;
    let expected = format!(
        "cannot listen at port {} of 127.0.0.1; choose another with --console-port: ",
        options.console_port
    );
    assert!(failure(options).await.starts_with(&expected));

    let mut options = folder.options();
    options.functions = Functions::Built(Executables::new());
    assert_eq!(
        failure(options).await,
        "Probe: Metadata.BuildProperties.Binary is `probe`, but the workspace has no such binary"
    );

    let mut options = folder.options();
    options
        .parameters
        .insert("Colour".to_owned(), "red".to_owned());
    assert!(failure(options).await.ends_with(
        "template.yaml: Parameters.Colour: a value was given, but the template has no such parameter"
    ));

    let mut options = folder.options();
    options.template.set_file_name("absent.yaml");
    assert!(failure(options).await.starts_with("cannot read "));
}
