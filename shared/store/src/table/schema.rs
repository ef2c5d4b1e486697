//! The definition of the table, for stores without CloudFormation: the local ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription,
    TimeToLiveSpecification,
};

use serde_json::{Value, json};

use crate::{Cause, StoreError};

/// A table as template.yaml describes it, in DynamoDB's words.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Attribute names and types (`S`, `N`).
    pub attributes: Vec<(String, String)>,
    /// Attribute names and key types (`HASH`, `RANGE`).
    pub key: Vec<(String, String)>,
    /// The global secondary indexes.
    pub indexes: Vec<Index>,
    /// What the stream shows of a change.
    pub stream_view: String,
    /// The TTL attribute.
    pub time_to_live: String,
    /// How requests are paid: `PAY_PER_REQUEST`.
    pub billing_mode: String,
    /// Whether it is encrypted by a key of the account's, and not by one of DynamoDB's own.
    pub has_account_key: bool,
}

impl Schema {
    /// The table as `import-table` takes it (`TableCreationParameters`). The stream and the time to live are
    /// not among what it takes.
    pub fn creation_parameters(&self, table_name: &str) -> Value {
        let attributes = self.attributes.iter();
        let attributes: Vec<_> = attributes
            .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
            .collect();
        let key = |key: &[(String, String)]| -> Value {
            let elements = key.iter();
            elements
                .map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }))
                .collect()
        };
        let indexes = self.indexes.iter();
        let indexes: Vec<_> = indexes
            .map(|index| {
                let mut projection = json!({ "ProjectionType": index.projection });
                if !index.attributes.is_empty() {
                    projection["NonKeyAttributes"] = json!(index.attributes);
                }
                json!({
                    "IndexName": index.name,
                    "KeySchema": key(&index.key),
                    "Projection": projection,
                })
            })
            .collect();
        json!({
            "TableName": table_name,
            "AttributeDefinitions": attributes,
            "KeySchema": key(&self.key),
            "GlobalSecondaryIndexes": indexes,
            "BillingMode": self.billing_mode,
            "SSESpecification": { "Enabled": self.has_account_key },
        })
    }
}

/// A global secondary index.
#[derive(Clone, Debug)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Attribute names and key types.
    pub key: Vec<(String, String)>,
    /// `KEYS_ONLY`, `INCLUDE` or `ALL`.
    pub projection: String,
    /// With `INCLUDE`: which further attributes.
    pub attributes: Vec<String>,
}

/// Whether the table is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is new and empty.
    New,
    /// It was there.
    Before,
}

/// Makes the table unless it is there.
pub async fn make(client: &Client, name: &str, schema: &Schema) -> Result<Made, StoreError> {
    let indexes = schema
        .indexes
        .iter()
        .map(|index| {
            let projection = Projection::builder()
                .projection_type(ProjectionType::from(index.projection.as_str()))
                .set_non_key_attributes(
                    (!index.attributes.is_empty()).then(|| index.attributes.clone()),
                )
                .build();
            GlobalSecondaryIndex::builder()
                .index_name(&index.name)
                .set_key_schema(Some(key_schema(&index.key)?))
                .projection(projection)
                .build()
                .map_err(Cause::from)
        })
        .collect::<Result<_, Cause>>()?;
    let attributes = schema
        .attributes
        .iter()
        .map(|(name, kind)| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::from(kind.as_str()))
                .build()
                .map_err(Cause::from)
        })
        .collect::<Result<_, Cause>>()?;
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::from(schema.stream_view.as_str()))
        .build()
        .map_err(Cause::from)?;
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::from(schema.billing_mode.as_str()))
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(key_schema(&schema.key)?))
        .set_global_secondary_indexes(Some(indexes))
        .stream_specification(stream)
        .send()
        .await;
    match created {
        Ok(_) => {}
        Err(error) if is_there(&error) => return Ok(Made::Before),
        Err(error) => return Err(StoreError::from_sdk(error)),
    }
    let time_to_live = TimeToLiveSpecification::builder()
        .attribute_name(&schema.time_to_live)
        .enabled(true)
        .build()
        .map_err(Cause::from)?;
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(time_to_live)
        .send()
        .await
        .map_err(StoreError::from_sdk)?;
    Ok(Made::New)
}

/// The keys and indexes in which the table differs from `schema`. This code can't read and write a
/// table that was made for another layout.
pub async fn differences(
    client: &Client,
    name: &str,
    schema: &Schema,
) -> Result<BTreeSet<String>, StoreError> {
    let described = client.describe_table().table_name(name).send().await;
    let described = described.map_err(StoreError::from_sdk)?;
    let present = described
        .table
        .ok_or(Cause::Odd("a description holds no table"))?;
    let (present, wanted) = (present_keys(&present), wanted_keys(schema));
    let names = present.keys().chain(wanted.keys());
    Ok(names
        .filter(|name| present.get(*name) != wanted.get(*name))
        .cloned()
        .collect())
}

/// The table's keys and each index's by name, as values that can be compared.
type Keys = BTreeMap<String, (Vec<[String; 3]>, String, BTreeSet<String>)>;

const KEY: &str = "key";

fn wanted_keys(schema: &Schema) -> Keys {
    let types: HashMap<_, _> = schema.attributes.iter().cloned().collect();
    let elements_of = |key: &[(String, String)]| {
        let elements = key.iter().map(|(name, kind)| {
            let attribute_type = types.get(name).cloned().unwrap_or_default();
            [name.clone(), kind.clone(), attribute_type]
        });
        elements.collect()
    };
    let indexes = schema.indexes.iter().map(|index| {
        let attributes = index.attributes.iter().cloned().collect();
        let keys = (
            elements_of(&index.key),
            index.projection.clone(),
            attributes,
        );
        (index.name.clone(), keys)
    });
    let key = (elements_of(&schema.key), String::new(), BTreeSet::new());
    indexes.chain([(KEY.to_owned(), key)]).collect()
}

fn present_keys(table: &TableDescription) -> Keys {
    let types: HashMap<_, _> = table
        .attribute_definitions()
        .iter()
        .map(|attribute| (attribute.attribute_name(), attribute.attribute_type()))
        .collect();
    let schema = |key: &[KeySchemaElement]| {
        let elements = key.iter().map(|element| {
            let name = element.attribute_name();
            let attribute_type = types.get(name).map_or("", |kind| kind.as_str());
            [name, element.key_type().as_str(), attribute_type].map(str::to_owned)
        });
        elements.collect()
    };
    let indexes = table.global_secondary_indexes().iter().map(|index| {
        let projection = index.projection();
        let kind = projection.and_then(Projection::projection_type);
        let attributes = projection.map_or(&[] as &[_], Projection::non_key_attributes);
        let keys = (
            schema(index.key_schema()),
            kind.map_or("", ProjectionType::as_str).to_owned(),
            attributes.iter().cloned().collect(),
        );
        (index.index_name().unwrap_or_default().to_owned(), keys)
    });
    let key = (schema(table.key_schema()), String::new(), BTreeSet::new());
    indexes.chain([(KEY.to_owned(), key)]).collect()
}

fn is_there<R>(error: &SdkError<CreateTableError, R>) -> bool {
    matches!(
        error.as_service_error(),
        Some(CreateTableError::ResourceInUseException(_))
    )
}

fn key_schema(key: &[(String, String)]) -> Result<Vec<KeySchemaElement>, Cause> {
    key.iter()
        .map(|(name, kind)| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(KeyType::from(kind.as_str()))
                .build()
                .map_err(Cause::from)
        })
        .collect()
}
