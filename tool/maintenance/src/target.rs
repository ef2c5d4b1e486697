//! Which table, and by which credentials.

use aws_config::{BehaviorVersion, Region};
use clap::Args;
use store::{StoreError, Table};

use crate::MaintenanceError;

/// The table. Credentials and region are found as the AWS CLI finds them: in the environment, in a profile
/// (SSO, too), or from the machine's role.
#[derive(Args, Debug)]
pub struct TableTarget {
    /// The table's name: `TableName` in the stack's outputs.
    #[arg(long, value_name = "NAME")]
    table: String,
    /// The AWS region, instead of the configured one.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile of the AWS configuration.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Another endpoint than the region's own, such as that of a store on this machine.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl TableTarget {
    /// A fault of the table.
    pub(crate) fn fault(&self, source: StoreError) -> MaintenanceError {
        let table = self.table.clone();
        MaintenanceError::Table { table, source }
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// No region or no credentials are found.
    pub(crate) async fn open(&self) -> Result<Table, MaintenanceError> {
        let mut config =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(store::http_client());
        if let Some(region) = &self.region {
            config = config.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            config = config.profile_name(profile);
        }
        if let Some(url) = &self.endpoint_url {
            config = config.endpoint_url(url);
        }
        let config = config.load().await;
        if config.region().is_none() {
            return Err(MaintenanceError::NoRegion);
        }
        let client = store::connect_by(&config).await;
        let client = client.map_err(MaintenanceError::NoCredentials)?;
        Ok(Table::new(client, self.table.clone()))
    }
}
