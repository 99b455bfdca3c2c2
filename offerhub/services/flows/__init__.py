"""The steps of each kind of operation. A file per kind; `registry` names them all."""
