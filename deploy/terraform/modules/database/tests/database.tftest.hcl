mock_provider "aws" {
  override_during = plan

  mock_resource "aws_db_instance" {
    defaults = { master_user_secret = [{ kms_key_id = "k", secret_arn = "arn:s", secret_status = "active" }] }
  }
}

variables {
  deployment             = "glideslope"
  partition              = "aws"
  account                = "123456789012"
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-a", "subnet-b"]
  client_security_groups = { nodes = "sg-nodes" }
  key_arn                = "arn:aws:kms:eu-central-1:123456789012:key/1"
}

run "over_tls_from_the_nodes_and_encrypted" {
  command = plan

  assert {
    condition     = contains([for each in aws_db_parameter_group.this.parameter : "${each.name}=${each.value}"], "rds.force_ssl=1")
    error_message = "the database takes connections without TLS"
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres17" && aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.manage_master_user_password
    error_message = "the database is open, not encrypted, or its password is in the state"
  }
}

run "one_zone_is_refused" {
  command = plan

  variables {
    subnet_ids = ["subnet-a"]
  }

  expect_failures = [var.subnet_ids]
}
