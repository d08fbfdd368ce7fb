mock_provider "aws" {
  override_during = plan
}

variables {
  deployment             = "glideslope"
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-a", "subnet-b", "subnet-c"]
  client_security_groups = { nodes = "sg-nodes" }
  key_arn                = "arn:aws:kms:eu-central-1:123456789012:key/1"
  log_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/2"
}

run "three_copies_of_which_two_must_be_written" {
  command = plan

  assert {
    condition     = strcontains(aws_msk_configuration.this.server_properties, "default.replication.factor=3") && strcontains(aws_msk_configuration.this.server_properties, "min.insync.replicas=2\n")
    error_message = aws_msk_configuration.this.server_properties
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.clients["nodes"].from_port == 9098 && length(aws_vpc_security_group_ingress_rule.clients) == 1
    error_message = "Kafka is open to others, or at another port"
  }
}

run "as_many_brokers_in_each_zone" {
  command = plan

  variables {
    brokers = 4
  }

  expect_failures = [aws_msk_cluster.this]
}
