# One image for every process: `offerhub serve`, `worker`, `relay` … are its arguments.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY offerhub offerhub
COPY tui tui
COPY installer installer
COPY templates templates
RUN python -m venv /opt/offerhub \
 && /opt/offerhub/bin/pip install --no-cache-dir ".[postgres,tui]" \
 && find /opt/offerhub -name __pycache__ -prune -exec rm -rf {} +

FROM python:3.13-slim
# A fixed id, so that volumes keep their owner over rebuilds.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/offerhub offerhub \
 && install -d -o offerhub -g offerhub -m 0750 /var/lib/offerhub/data /var/lib/offerhub/backups
COPY --from=build /opt/offerhub /opt/offerhub
ENV PATH=/opt/offerhub/bin:$PATH \
    OFFERHUB_HOME=/var/lib/offerhub \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER offerhub
WORKDIR /var/lib/offerhub
ENTRYPOINT ["offerhub"]
CMD ["up", "--foreground"]
