//! The account and region the emulator answers for.

/// An AWS account in a region, as it stands in ARNs and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Account id, twelve digits.
    pub id: String,
    /// Region, such as `us-east-1`.
    pub region: String,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }
}

impl Account {
    /// The ARN of `resource` of `service` in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.id)
    }
}
