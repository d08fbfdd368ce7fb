# Amazon MSK: Apache Kafka in KRaft mode, reached over TLS by IAM roles and in no other way.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

locals {
  iam_port = 9098
  copies   = min(3, var.brokers)

  properties = {
    # a mistyped topic is an error; topics are made by `glideslope topics create`
    "auto.create.topics.enable"                = "false"
    "default.replication.factor"               = local.copies
    "min.insync.replicas"                      = max(1, local.copies - 1)
    "offsets.topic.replication.factor"         = local.copies
    "transaction.state.log.replication.factor" = local.copies
    "transaction.state.log.min.isr"            = max(1, local.copies - 1)
    # a broker that fell behind never becomes the leader: that would lose what was acknowledged
    "unclean.leader.election.enable" = "false"
  }
}

resource "aws_security_group" "this" {
  name        = "${var.deployment}-kafka"
  description = "Kafka over TLS from those who are let in"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.deployment}-kafka" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_security_groups

  security_group_id            = aws_security_group.this.id
  description                  = "Kafka with IAM from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.iam_port
  to_port                      = local.iam_port
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/glideslope/${var.deployment}/kafka"
  kms_key_id        = var.log_key_arn
  retention_in_days = var.log_days
}

resource "aws_msk_configuration" "this" {
  name              = var.deployment
  kafka_versions    = [var.kafka_version]
  server_properties = join("\n", [for name, value in local.properties : "${name}=${value}"])

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.deployment
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers
  enhanced_monitoring    = "PER_TOPIC_PER_BROKER"

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [aws_security_group.this.id]

    storage_info {
      ebs_storage_info {
        volume_size = var.volume_gib
      }
    }

    connectivity_info {
      public_access {
        type = "DISABLED"
      }
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  client_authentication {
    unauthenticated = false

    sasl {
      iam   = true
      scram = false
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }
      node_exporter {
        enabled_in_broker = true
      }
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.this.name
      }
    }
  }

  lifecycle {
    prevent_destroy = true
    # it only grows, by the policy below
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size]

    precondition {
      condition     = var.brokers % length(var.subnet_ids) == 0
      error_message = "MSK wants as many brokers in each zone: ${var.brokers} is no multiple of ${length(var.subnet_ids)}."
    }
  }
}

resource "aws_appautoscaling_target" "volumes" {
  service_namespace  = "kafka"
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  resource_id        = aws_msk_cluster.this.arn
  min_capacity       = 1
  max_capacity       = var.largest_volume_gib
}

resource "aws_appautoscaling_policy" "volumes" {
  name               = "${var.deployment}-kafka-volumes"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.volumes.service_namespace
  scalable_dimension = aws_appautoscaling_target.volumes.scalable_dimension
  resource_id        = aws_appautoscaling_target.volumes.resource_id

  target_tracking_scaling_policy_configuration {
    target_value     = 60
    disable_scale_in = true # a volume cannot shrink

    predefined_metric_specification {
      predefined_metric_type = "KafkaBrokerStorageUtilization"
    }
  }
}
