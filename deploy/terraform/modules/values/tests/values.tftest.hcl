variables {
  deployment         = "glideslope"
  region             = "eu-central-1"
  registry           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/glideslope"
  bootstrap_servers  = "b-1.msk.example:9098"
  partitions         = 6
  most_replicas      = 4
  replication_factor = 3
  isolated_cidrs     = ["10.40.0.0/19", "10.40.32.0/19"]
  s3_cidrs           = ["3.5.136.0/22"]
  secrets            = ["review/database"]
  audit_bucket       = "logs"
  retention_days     = 7
  audit_key_arn      = "arn:k/1"
  master_key_arn     = "arn:k/2"
  volume_key_arn     = "arn:k/3"
}

run "volumes_are_encrypted_under_the_deployments_key" {
  command = plan

  assert {
    condition     = local.storage_class.parameters.kmsKeyId == "arn:k/3" && local.values.audit.volume.storageClass == local.storage_class.metadata.name
    error_message = output.manifests
  }
}

run "reviewers_sign_in_where_there_is_a_way_out" {
  command = plan

  variables {
    internet_egress = true
  }

  assert {
    condition     = yamldecode(output.values).review.tolerations[0].value == "egress" && yamldecode(output.values).review.nodeSelector["glideslope.dev/network"] == "egress"
    error_message = output.values
  }
}

run "nobody_is_on_the_nodes_with_a_way_out_that_are_not_there" {
  command = plan

  assert {
    condition     = !can(yamldecode(output.values).review.tolerations)
    error_message = output.values
  }
}

run "without_the_databases_secret_review_would_not_start" {
  command = plan

  variables {
    secrets = ["review/oidc"]
  }

  expect_failures = [var.secrets]
}
