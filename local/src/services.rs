//! The services which the functions use: where each listens, and what makes it run.
//!
//! The ports are bound before anything runs, since the environments have to know them.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::Router;
use tokio::task::JoinSet;

use crate::{
    Hosts,
    bus::Bus,
    callers::Callers,
    console::{self, Console},
    dynamodb::Dynamo,
    forward, http_api,
    invoke::SharedInvoker,
    journal::Journal,
    lambda,
    mail::{self, Mailboxes},
    port::{self, Port},
    queue::Queues,
    redrive::Redrive,
    schedule, ssm,
    stack::{Functions, Options},
    stream::{Mappings, Pace},
    template::Model,
    variables::{self, Variables},
};

/// Where everything listens.
#[derive(Debug)]
pub(crate) struct Ports {
    /// None, if something else serves the API at the port `api_number`.
    pub(crate) api: Option<Port>,
    api_number: u16,
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

impl Ports {
    pub(crate) async fn bind(options: &Options) -> anyhow::Result<Self> {
        let bind = async |number, flag| Port::bind(number, flag, options.bind).await;
        let api = match options.functions {
            Functions::Elsewhere => None,
            _ => Some(bind(options.port, "--port").await?),
        };
        Ok(Self {
            api_number: api.as_ref().map_or(options.port, |api| api.number),
            api,
            console: bind(options.console_port, "--console-port").await?,
            dynamodb: bind(options.dynamodb_port, "--dynamodb-port").await?,
            eventbridge: bind(options.eventbridge_port, "--eventbridge-port").await?,
            sesv2: bind(options.ses_port, "--ses-port").await?,
            sqs: bind(options.sqs_port, "--sqs-port").await?,
            ssm: bind(options.ssm_port, "--ssm-port").await?,
        })
    }

    /// Where the API is served, by this stack or by something else.
    pub(crate) fn api_url(&self) -> String {
        port::named_url(self.api_number)
    }

    /// The environment variables with which the AWS SDKs find the services.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        variables::services(&[
            ("DYNAMODB", self.dynamodb.url()),
            ("EVENTBRIDGE", self.eventbridge.url()),
            ("SESV2", self.sesv2.url()),
            ("SQS", self.sqs.url()),
            ("SSM", self.ssm.url()),
        ])
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
        mut ports: Ports,
        invoker: SharedInvoker,
        journal: &Journal,
    ) -> anyhow::Result<Self> {
        let hosts = Hosts::with(&options.allowed_hosts);
        let variables = Variables::new(model, ports.api_url(), ports.variables());
        let mut tasks = JoinSet::new();
        ports.dynamodb.let_in(&mut tasks);
        let data = options.data.as_deref();
        let dynamo = Dynamo::start(model, data, ports.dynamodb.listener, &hosts).await?;
        let buses = model.buses.values().cloned().collect();
        let bus = Bus::new(buses, model.rules.clone(), invoker.clone(), journal.clone())?;
        let queues = Queues::new(model.queues.clone(), journal);
        let sets = model.configuration_sets.values().cloned().collect();
        let mailboxes = Mailboxes::default();
        let operations = lambda::endpoint::router(model, invoker.clone())
            .merge(Redrive::new(model, queues.clone(), invoker.clone()).router())
            // Functions have a port of their own for it.
            .merge(bus.router());
        let console = console::router(Console {
            routes: &model.routes,
            variables,
            pages: options.pages.clone(),
            operations,
            journal: journal.clone(),
            calls: dynamo.calls().clone(),
            mailboxes: mailboxes.clone(),
        });
        let callers = Callers::default();
        let eventbridge = callers.noted("events:PutEvents", bus.router());
        let sesv2 = mail::router(sets, mailboxes.clone(), journal.clone(), bus);
        let sesv2 = callers.noted("ses:SendEmail", sesv2);
        let secrets = callers.noted("ssm:GetParameters", ssm::router(options.secrets.clone()));
        queues.start(&model.queue_mappings, &invoker, &mut tasks);
        if let Some(port) = ports.api {
            let api = http_api::router(model, port.number, invoker.clone(), journal.clone());
            serve(&mut tasks, port, hosts.guard(api));
        }
        serve(&mut tasks, ports.eventbridge, hosts.guard(eventbridge));
        serve(&mut tasks, ports.sesv2, hosts.guard(sesv2));
        serve(&mut tasks, ports.sqs, hosts.guard(queues.router()));
        serve(&mut tasks, ports.ssm, hosts.guard(secrets));
        serve(&mut tasks, ports.console, hosts.guard(console));
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

fn serve(tasks: &mut JoinSet<()>, mut port: Port, router: Router) {
    port.let_in(tasks);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(port.listener, service).await {
            tracing::error!(%error, "a service ended");
        }
    });
}
