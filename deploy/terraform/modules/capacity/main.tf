# From questions a day to partitions, replicas, brokers and volumes: what `glideslope size` works out, by
# the same arithmetic (docs/sizing.md), in zones of AWS. A test holds the two together.

terraform {
  required_version = ">= 1.9"
}

locals {
  peak_per_second = var.questions_per_day * var.peak_factor / 86400

  # a process runs one event loop, and so has one core; inference's slots hold what waits for a model,
  # which is the rate times the time that each takes (Little's law)
  by_cpu   = { for service, ms in var.cpu_ms : service => ceil(local.peak_per_second * ms / 1000 / var.busy) }
  waiting  = ceil(local.peak_per_second * var.model_seconds / (var.max_in_flight * var.busy))
  replicas = max(var.least_replicas, local.waiting, values(local.by_cpu)...)

  # a partition is one replica's at the most, and their number cannot be raised later without moving conversations
  wanted     = local.replicas * var.headroom
  steps      = [for step in var.partition_steps : step if step >= local.wanted]
  partitions = length(local.steps) > 0 ? min(local.steps...) : local.wanted

  brokers_by_cpu        = ceil(local.peak_per_second * var.broker_ms / 1000 * var.copies / (var.broker_vcpu * var.busy))
  brokers_by_partitions = ceil(var.topics * local.partitions * var.copies / var.broker_partitions)
  # MSK wants as many in each zone
  brokers = ceil(max(var.copies, local.brokers_by_cpu, local.brokers_by_partitions) / var.zones) * var.zones

  question_kib = var.kafka_kib + var.passages_kib * var.passages_travel
  kept_gib     = var.questions_per_day * var.retention_days * local.question_kib / pow(1024, 2)
  volume_gib   = max(var.smallest_volume_gib, ceil(local.kept_gib * var.copies / local.brokers / var.volume_use))
}
