"""The database's own refusals, under names that do not depend on the library."""

from peewee import IntegrityError, PeeweeException

UniqueViolation = IntegrityError
AnyFailure = PeeweeException
