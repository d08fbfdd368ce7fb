# The image of one service: docker build --build-arg SERVICE=ingest .
# `--build-arg EXTRAS=msk` adds what Amazon MSK's IAM needs. `--target command-line` makes the image
# of the command line instead. `make images` makes all, the same from the same commit
# (docs/images.md).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS tools
RUN python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir --quiet uv==0.13.9
ENV PATH=/opt/tools/bin:$PATH \
    PYTHONHASHSEED=0 \
    # Everything is dated 1980: the same lists give the same layers, whatever commit they are of.
    SOURCE_DATE_EPOCH=315532800 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/venv \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# The lists of dependencies alone: a change of code does not install them again.
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/audit/pyproject.toml services/audit/
COPY services/inference/pyproject.toml services/inference/
COPY services/ingest/pyproject.toml services/ingest/
COPY services/review/pyproject.toml services/review/
COPY services/validator/pyproject.toml services/validator/
RUN UV_PROJECT_ENVIRONMENT=/opt/bill uv sync --quiet --locked --only-group bill
COPY deploy/image/ /opt/image/

FROM tools AS user
# The state folder is this user's, so that a volume mounted there is too.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin glideslope \
    && install -d /tree/etc /tree/var/lib \
    && cp /etc/passwd /etc/group /tree/etc/ \
    && install -d -o 10001 -g 10001 /tree/var/lib/glideslope \
    && /opt/image/settle

FROM tools AS service-dependencies
ARG SERVICE
ARG EXTRAS=
RUN test -n "$SERVICE" || { echo "say which: --build-arg SERVICE=audit|inference|ingest|review|validator"; exit 1; }
RUN uv sync --quiet --locked --no-dev --package "glideslope-$SERVICE" ${EXTRAS:+--extra "$EXTRAS"} \
    && /opt/image/bill "glideslope-$SERVICE" \
    && /opt/image/settle /venv

FROM tools AS service-code
ARG SERVICE
COPY shared/ /app/shared/
COPY services/__init__.py /app/services/
COPY services/${SERVICE}/ /app/services/${SERVICE}/
RUN /opt/image/settle /app

FROM tools AS command-line-dependencies
ARG EXTRAS=
RUN uv sync --quiet --locked --no-dev --no-install-project --extra documents ${EXTRAS:+--extra "$EXTRAS"} \
    && /opt/image/bill glideslope-command-line \
    && /opt/image/settle /venv

FROM tools AS command-line-code
COPY glideslope/ /app/glideslope/
COPY services/ /app/services/
COPY shared/ /app/shared/
RUN /opt/image/settle /app

FROM ${BASE} AS base
# Onto the root, whose own date is in no layer: a folder that is copied into gets a new one.
COPY --from=user /tree/ /
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GLIDESLOPE_HOME=/var/lib/glideslope
USER 10001:10001
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.vendor="Glideslope" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

FROM base AS command-line
COPY --from=command-line-dependencies /tree/ /
COPY --from=command-line-code /tree/ /
LABEL org.opencontainers.image.title="glideslope-command-line" \
      org.opencontainers.image.description="Glideslope's command line."
WORKDIR /app
ENTRYPOINT ["python", "-m", "glideslope"]

FROM base AS service
ARG SERVICE
ENV SERVICE=${SERVICE}
COPY --from=service-dependencies /tree/ /
COPY --from=service-code /tree/ /
LABEL org.opencontainers.image.title="glideslope-${SERVICE}" \
      org.opencontainers.image.description="The service ${SERVICE} of Glideslope."
# /livez, /readyz and /metrics: a container has an address of its own, so the port can be fixed.
ENV GLIDESLOPE_HEALTH_HOST=0.0.0.0 \
    GLIDESLOPE_HEALTH_PORT=8080
EXPOSE 8080
WORKDIR /app
# exec: the service itself gets SIGTERM and drains.
CMD ["sh", "-c", "exec python -m services.$SERVICE.app"]
