//! Single puts and deletions, on a condition.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::item::Item;
use super::usage::{Direction, record};
use super::{Attempts, Condition, Table};
use crate::StoreError;

impl Table {
    /// Writes an item unless one of its key is there: one `PutItem`. Returns whether it was not there.
    pub(crate) async fn put_if_absent(
        &self,
        item: &Item,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let absent = Condition::absent();
        let send = || {
            let put = self.client.put_item().table_name(&self.name);
            let sent = put
                .set_item(Some(item.clone()))
                .condition_expression(&absent.text)
                .set_expression_attribute_names(absent.placeholders.names())
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send();
            async move { sent.await.map(|output| output.consumed_capacity) }
        };
        let is_refused = |error: &PutItemError| error.is_conditional_check_failed_exception();
        write(deadline, send, is_refused).await
    }

    /// Deletes an item on this condition: one `DeleteItem`. It is no error if the item isn't there, or
    /// the condition is false.
    pub(crate) async fn delete_if(
        &self,
        key: &Item,
        condition: &Condition,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let send = || {
            let delete = self.client.delete_item().table_name(&self.name);
            let sent = delete
                .set_key(Some(key.clone()))
                .condition_expression(&condition.text)
                .set_expression_attribute_names(condition.placeholders.names())
                .set_expression_attribute_values(condition.placeholders.values())
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send();
            async move { sent.await.map(|output| output.consumed_capacity) }
        };
        let is_refused = |error: &DeleteItemError| error.is_conditional_check_failed_exception();
        write(deadline, send, is_refused).await.map(|_| ())
    }
}

/// Sends a write, and again after faults that pass. Returns whether its condition was true.
async fn write<E, Sent>(
    deadline: Instant,
    send: impl Fn() -> Sent,
    is_refused: impl Fn(&E) -> bool,
) -> Result<bool, StoreError>
where
    Sent: Future<Output = Result<Option<ConsumedCapacity>, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let mut attempts = Attempts::until(deadline);
    loop {
        let error = match send().await {
            Ok(consumed) => {
                record(Direction::Write, consumed.as_ref());
                return Ok(true);
            }
            Err(error) => error,
        };
        record(Direction::Write, None);
        if error.as_service_error().is_some_and(&is_refused) {
            return Ok(false);
        }
        let error = StoreError::from_sdk(error);
        if !attempts.again_after(&error).await {
            return Err(error);
        }
    }
}
