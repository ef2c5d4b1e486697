//! Lines of an import as new users. They are judged alike wherever they come from: the body of a request, or
//! a file that becomes the items of a table.

use domain::import::{ImportContext, ImportedUser};
use domain::{IdentifierId, OperationId, UserId};
use store::{Import, Write};

use crate::{Entropy, Line, Problem};

/// What the lines of one import have in common.
#[derive(Debug)]
pub struct Importer<'a> {
    write: Write,
    key: Option<&'a OperationId>,
    entropy: &'a Entropy,
}

impl<'a> Importer<'a> {
    /// Of lines that write so, each by an operation of its own, which follows from this one.
    ///
    /// A user whom a line does not name gets an id that follows from `key` and the line. So a repeat finds
    /// the user. An id is no secret and must not tell what is in a line, so `key` has to be one.
    pub fn new(write: Write, key: Option<&'a OperationId>, entropy: &'a Entropy) -> Self {
        let by = write.by.by_import();
        let write = Write { by, ..write };
        Self {
            write,
            key,
            entropy,
        }
    }

    /// The id of the user of a line, where it can be read so far; and the user with the line's write, or why
    /// the line is refused.
    pub fn read(&self, line: &Line<'_>) -> (Option<UserId>, Result<Import, Problem>) {
        match self.named(line) {
            Ok((id, user)) => (Some(id.clone()), self.import(line, id, user)),
            Err(problem) => (None, Err(problem)),
        }
    }

    /// What the line says, with the id that it names or that is issued for it.
    fn named(&self, line: &Line<'_>) -> Result<(UserId, ImportedUser), Problem> {
        let imported: ImportedUser = line.json()?;
        let id = match &imported.user_id {
            Some(text) => {
                UserId::parse(text).map_err(|error| Problem::invalid("user_id", error))?
            }
            None => self.issued_for(line)?,
        };
        Ok((id, imported))
    }

    fn issued_for(&self, line: &Line<'_>) -> Result<UserId, Problem> {
        let digest = line.digest()?;
        let key = self.key.map_or("", OperationId::as_str);
        let parts = [key.as_bytes(), digest.as_str().as_bytes()];
        Ok(UserId::created_by(&OperationId::of(&parts)))
    }

    fn import(
        &self,
        line: &Line<'_>,
        id: UserId,
        imported: ImportedUser,
    ) -> Result<Import, Problem> {
        let of_all = self.write.operation.as_str().as_bytes();
        let write = Write {
            operation: OperationId::of(&[of_all, &line.number.to_be_bytes()]),
            ..self.write.clone()
        };
        let now = write.now;
        let user = imported.into_user(ImportContext {
            id,
            operation: write.operation.clone(),
            digest: line.digest()?,
            now,
            new_identifier_id: &|| IdentifierId::issue(now, self.entropy.bytes()),
        })?;
        Ok(Import { user, write })
    }
}
