"""The auditor's side of the audit log: it reads, recomputes and reports, and writes nothing."""
