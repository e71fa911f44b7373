//! Making the table, where no template does.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
};

use super::DynamoRecords;

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one of that name.
    #[error("there is a table {0} already")]
    Exists(String),
    /// It could not be made.
    #[error("the table cannot be made")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request makes no sense to the SDK.
    #[error("the table cannot be described")]
    Build(#[from] BuildError),
}

impl DynamoRecords {
    /// Makes the table as `template.yaml` does, and waits until it can be used. Backups and alarms are the template's.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if there is one, or it cannot be made.
    pub async fn create_table(&self) -> Result<(), CreateError> {
        let names = ["pk", "sk", "pk1", "sk1", "pk2", "sk2"];
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
        };
        let attributes: Vec<AttributeDefinition> = names.into_iter().map(attribute).collect::<Result<_, _>>()?;
        let stream =
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::KeysOnly).build()?;
        let create = self.client.create_table().table_name(&self.table).set_attribute_definitions(Some(attributes));
        let create = create.set_key_schema(Some(schema("")?)).billing_mode(BillingMode::PayPerRequest);
        let create = create.set_global_secondary_indexes(Some(vec![index("1")?, index("2")?]));
        let created = Box::pin(create.stream_specification(stream).send()).await;
        let exists = created
            .as_ref()
            .is_err_and(|error| error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception));
        if let (Err(error), false) = (created, exists) {
            return Err(CreateError::Refused(error.into()));
        }
        // Also of one that is there: whoever made it may have been interrupted before this, and nothing would ever go.
        self.expire_by_ttl().await?;
        if exists { Err(CreateError::Exists(self.table.clone())) } else { Ok(()) }
    }

    async fn expire_by_ttl(&self) -> Result<(), CreateError> {
        use aws_sdk_dynamodb::client::Waiters as _;
        let active = self.client.wait_until_table_exists().table_name(&self.table);
        active.wait(super::OPERATION * 24).await.map_err(|error| CreateError::Refused(error.into()))?;
        let described = Box::pin(self.client.describe_time_to_live().table_name(&self.table).send()).await;
        let described = described.map_err(|error| CreateError::Refused(error.into()))?.time_to_live_description;
        if described.is_some_and(|ttl| ttl.attribute_name.is_some()) {
            return Ok(());
        }
        let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build()?;
        let update = self.client.update_time_to_live().table_name(&self.table).time_to_live_specification(ttl);
        Box::pin(update.send()).await.map(drop).map_err(|error| CreateError::Refused(error.into()))
    }
}

fn index(number: &str) -> Result<GlobalSecondaryIndex, BuildError> {
    let keys = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder().index_name(format!("index{number}")).projection(keys);
    index.set_key_schema(Some(schema(number)?)).build()
}

fn schema(number: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(format!("{name}{number}")).key_type(kind).build();
    Ok(vec![element("pk", KeyType::Hash)?, element("sk", KeyType::Range)?])
}
