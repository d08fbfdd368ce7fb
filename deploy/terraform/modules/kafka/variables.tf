variable "deployment" {
  description = "Name of the deployment, and of the cluster."
  type        = string
}

variable "vpc_id" {
  description = "Network that the brokers are in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the brokers, one in each zone: two or three."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.subnet_ids))
    error_message = "MSK spreads its brokers over two or three zones."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "kafka_version" {
  description = "Version of Apache Kafka, as MSK names it."
  type        = string
  default     = "3.9.x.kraft"
}

variable "brokers" {
  description = "Brokers, a multiple of the zones."
  type        = number
  default     = 3
}

variable "instance_type" {
  description = "Instance type of a broker."
  type        = string
  default     = "kafka.m7g.large"
}

variable "volume_gib" {
  description = "GiB of each broker's volume at the start."
  type        = number
  default     = 100
}

variable "largest_volume_gib" {
  description = "GiB up to which a volume grows by itself when it is filled to 60%."
  type        = number
  default     = 1000
}

variable "key_arn" {
  description = "KMS key that the volumes are encrypted with."
  type        = string
}

variable "log_key_arn" {
  description = "KMS key that the brokers' logs are encrypted with."
  type        = string
}

variable "log_days" {
  description = "Days for which the brokers' logs are kept."
  type        = number
  default     = 400
}
