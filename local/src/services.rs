//! The services which the functions use: where each listens, and what makes it run.
//!
//! The ports are bound before anything runs, since the environments have to know them.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    bus::Bus,
    callers::Callers,
    console,
    dynamodb::Dynamo,
    forward, http_api, invocations,
    invoke::SharedInvoker,
    journal::Journal,
    mail::{self, Mailboxes},
    queue::Queues,
    redrive::Redrive,
    schedule, ssm,
    stack::Options,
    stream::{Mappings, Pace},
    template::Model,
};

/// A port which is bound.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Where everything listens.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) api: Port,
    pub(crate) console: Port,
    pub(crate) dynamodb: Port,
    pub(crate) eventbridge: Port,
    pub(crate) sesv2: Port,
    pub(crate) sqs: Port,
    pub(crate) ssm: Port,
}

/// The running services. They end when this is dropped.
pub struct Services {
    /// The tables.
    pub dynamo: Dynamo,
    /// The mappings from their streams to functions.
    pub mappings: Mappings,
    /// The queues.
    pub queues: Queues,
    /// What becomes of mails.
    pub mailboxes: Mailboxes,
    /// Who called the bus, the mail service and the Parameter Store.
    pub callers: Callers,
    _tasks: JoinSet<()>,
}

impl Port {
    /// Binds the port with this number, which `flag` chooses. 0 is for any free one.
    pub(crate) async fn bind(number: u16, flag: &str) -> anyhow::Result<Self> {
        let problem = || format!("cannot listen at port {number}; choose another with {flag}");
        let listener = TcpListener::bind(("127.0.0.1", number)).await;
        let listener = listener.with_context(problem)?;
        let address = listener.local_addr().context("a socket has no address")?;
        Ok(Self { listener, address })
    }

    /// For the SDKs, which need no name to be resolved.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For people, browsers and issuers: everything of a stack has one host name.
    pub(crate) fn named_url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }
}

impl Ports {
    pub(crate) async fn bind(options: &Options) -> anyhow::Result<Self> {
        Ok(Self {
            api: Port::bind(options.port, "--port").await?,
            console: Port::bind(options.console_port, "--console-port").await?,
            dynamodb: Port::bind(options.dynamodb_port, "--dynamodb-port").await?,
            eventbridge: Port::bind(0, "no flag").await?,
            sesv2: Port::bind(0, "no flag").await?,
            sqs: Port::bind(0, "no flag").await?,
            ssm: Port::bind(0, "no flag").await?,
        })
    }

    /// The environment variables with which the AWS SDKs find the services.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &self.eventbridge),
            ("AWS_ENDPOINT_URL_SESV2", &self.sesv2),
            ("AWS_ENDPOINT_URL_SQS", &self.sqs),
            ("AWS_ENDPOINT_URL_SSM", &self.ssm),
        ]
        .into_iter()
        .map(|(name, port)| (name.to_owned(), port.url()))
        .collect()
    }
}

impl Services {
    /// Starts the services of `model`, which invoke its functions by `invoker`.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub(crate) async fn start(
        model: &Model,
        options: &Options,
        ports: Ports,
        invoker: SharedInvoker,
        journal: &Journal,
    ) -> anyhow::Result<Self> {
        let data = options.data.as_deref();
        let dynamo = Dynamo::start(model, data, ports.dynamodb.listener).await?;
        let buses = model.buses.values().cloned().collect();
        let bus = Bus::new(buses, model.rules.clone(), invoker.clone(), journal.clone())?;
        let queues = Queues::new(model.queues.clone(), journal);
        let sets = model.configuration_sets.values().cloned().collect();
        let mailboxes = Mailboxes::default();
        let router = console::router(
            ports.api.named_url(),
            &model.routes,
            options.pages.clone(),
            journal.clone(),
            dynamo.calls().clone(),
            mailboxes.clone(),
        )
        .merge(invocations::router(invoker.clone()))
        .merge(Redrive::new(model, queues.clone(), invoker.clone()).router())
        // For operators: functions have a port of their own.
        .merge(bus.router());
        let api = http_api::router(
            model,
            ports.api.address.port(),
            invoker.clone(),
            journal.clone(),
        );
        let mut tasks = JoinSet::new();
        let callers = Callers::default();
        let eventbridge = callers.noted("events:PutEvents", bus.router());
        serve(&mut tasks, ports.eventbridge.listener, eventbridge);
        serve(&mut tasks, ports.sqs.listener, queues.router());
        queues.start(&model.queue_mappings, &invoker, &mut tasks);
        let sesv2 = mail::router(sets, mailboxes.clone(), journal.clone(), bus);
        let sesv2 = callers.noted("ses:SendEmail", sesv2);
        serve(&mut tasks, ports.sesv2.listener, sesv2);
        let secrets = callers.noted("ssm:GetParameters", ssm::router(options.secrets.clone()));
        serve(&mut tasks, ports.ssm.listener, secrets);
        serve(&mut tasks, ports.console.listener, router);
        serve(&mut tasks, ports.api.listener, api);
        if let Some(receiver) = options.events_to.clone() {
            tasks.spawn(forward::run(receiver, journal.clone()));
        }
        for schedule in &model.schedules {
            tasks.spawn(schedule::run(schedule.clone(), invoker.clone()));
        }
        let pace = Pace::default();
        let mappings = Mappings::start(
            &dynamo,
            model.streams.clone(),
            &invoker,
            journal,
            data,
            pace,
        );
        Ok(Self {
            mappings: mappings.await?,
            queues,
            dynamo,
            mailboxes,
            callers,
            _tasks: tasks,
        })
    }
}

fn serve(tasks: &mut JoinSet<()>, listener: TcpListener, router: Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "a service ended");
        }
    });
}
