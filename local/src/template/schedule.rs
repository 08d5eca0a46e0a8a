//! Schedules, of both kinds that SAM has.

use serde::Deserialize;
use serde_json::Value;

use super::{
    build::typed,
    error::{Result, TemplateError},
    event::{DeadLetterConfig, EventSource},
    model::Schedule,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScheduleProperties {
    schedule: String,
    input: Option<String>,
    enabled: Option<bool>,
    state: Option<State>,
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ScheduleV2Properties {
    schedule_expression: String,
    input: Option<String>,
    state: Option<State>,
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    Enabled,
    Disabled,
}

impl EventSource<'_> {
    /// A schedule of EventBridge's rules.
    pub(super) fn schedule(&self, properties: Value) -> Result<Option<Schedule>> {
        let properties: ScheduleProperties = typed(&self.place, properties)?;
        if properties.enabled == Some(false) || properties.state == Some(State::Disabled) {
            return Ok(None);
        }
        self.scheduled(
            properties.schedule,
            properties.input.as_deref(),
            properties.dead_letter_config,
        )
        .map(Some)
    }

    /// A schedule of EventBridge Scheduler.
    pub(super) fn schedule_v2(&self, properties: Value) -> Result<Option<Schedule>> {
        let properties: ScheduleV2Properties = typed(&self.place, properties)?;
        if properties.state == Some(State::Disabled) {
            return Ok(None);
        }
        self.scheduled(
            properties.schedule_expression,
            properties.input.as_deref(),
            properties.dead_letter_config,
        )
        .map(Some)
    }

    fn scheduled(
        &self,
        expression: String,
        input: Option<&str>,
        dead_letter: Option<DeadLetterConfig>,
    ) -> Result<Schedule> {
        let known = ["rate(", "cron("];
        if !known.iter().any(|start| expression.starts_with(start)) || !expression.ends_with(')') {
            return Err(TemplateError::new(
                &self.place,
                format!("`{expression}` is neither rate(…) nor cron(…)"),
            ));
        }
        let input = input
            .map(serde_json::from_str)
            .transpose()
            .map_err(|e| TemplateError::new(format!("{}.Input", self.place), e))?;
        Ok(Schedule {
            name: self.name.clone(),
            expression,
            function: self.function.to_owned(),
            input,
            dead_letter: self.dead_letter(dead_letter)?,
        })
    }
}
