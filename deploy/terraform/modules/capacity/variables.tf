variable "questions_per_day" {
  description = "Questions on an average day."
  type        = number

  validation {
    condition     = var.questions_per_day > 0
    error_message = "At least one question a day: without any there is nothing to size."
  }
}

variable "peak_factor" {
  description = "How many times the average the busiest minute has."
  type        = number
  default     = 10

  validation {
    condition     = var.peak_factor >= 1
    error_message = "The busiest minute has at least what the average has."
  }
}

variable "zones" {
  description = "Availability zones; brokers are a multiple of them."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "MSK spreads its brokers over two or three zones."
  }
}

variable "copies" {
  description = "Copies of each partition."
  type        = number
  default     = 3

  validation {
    condition     = var.copies >= 1 && var.copies <= 3
    error_message = "One to three copies; with fewer than three the failure of one broker stops writing."
  }
}

variable "model_seconds" {
  description = "Time that the model takes for an answer on average, seconds; 0: the extractive one, which is CPU time alone."
  type        = number
  default     = 2
}

variable "max_in_flight" {
  description = "GLIDESLOPE_MAX_IN_FLIGHT of inference: requests that one replica has under way at once."
  type        = number
  default     = 32
}

variable "cpu_ms" {
  description = "CPU time of a question in each service, milliseconds: docs/sizing.md says where it comes from. Measure yours (`glideslope load`)."
  type        = map(number)
  default     = { audit = 4.3, inference = 4.6, ingest = 0.7, validator = 12.9 }
}

variable "broker_ms" {
  description = "CPU time of a question in a broker that keeps one copy, milliseconds."
  type        = number
  default     = 5.8
}

variable "busy" {
  description = "Share of a core, or of a replica's slots, that the peak may take."
  type        = number
  default     = 0.6

  validation {
    condition     = var.busy > 0 && var.busy <= 1
    error_message = "A share is above 0 and at most 1."
  }
}

variable "least_replicas" {
  description = "Replicas of a service at the least: one may fail, or be replaced, while another works."
  type        = number
  default     = 2
}

variable "headroom" {
  description = "Partitions over the most replicas of a service."
  type        = number
  default     = 2

  validation {
    condition     = var.headroom >= 1
    error_message = "There are never more replicas than partitions."
  }
}

variable "partition_steps" {
  description = "Numbers of partitions to choose from, the next above what is wanted; above the last, what is wanted."
  type        = list(number)
  default     = [6, 12, 24, 48, 96, 192, 384]
}

variable "topics" {
  description = "Topics of the pipeline (`glideslope topics create`)."
  type        = number
  default     = 34
}

variable "broker_vcpu" {
  description = "Virtual CPUs of a broker: kafka.m7g.large has 2."
  type        = number
  default     = 2
}

variable "broker_partitions" {
  description = "Replicas of partitions that one broker carries, as AWS recommends for kafka.m7g.large."
  type        = number
  default     = 1000
}

variable "kafka_kib" {
  description = "What a question leaves in all topics, one copy, without what is retrieved for it, KiB."
  type        = number
  default     = 9
}

variable "passages_kib" {
  description = "What is retrieved for a question, KiB."
  type        = number
  default     = 10
}

variable "passages_travel" {
  description = "On so many topics what was retrieved stands beside the answer."
  type        = number
  default     = 2
}

variable "retention_days" {
  description = "Days for which topics keep records."
  type        = number
  default     = 30
}

variable "volume_use" {
  description = "Share of a broker's volume that records may fill."
  type        = number
  default     = 0.6

  validation {
    condition     = var.volume_use > 0 && var.volume_use < 1
    error_message = "A share is between 0 and 1, and a full volume stops a broker."
  }
}

variable "smallest_volume_gib" {
  description = "GiB that a broker's volume has at the least."
  type        = number
  default     = 100
}
