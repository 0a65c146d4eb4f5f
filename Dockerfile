# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY config config
COPY pipeline pipeline
COPY storage storage
# The CPU build of torch: the default one from PyPI carries several GB of CUDA that a CPU service never uses.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python -m venv /opt/treatywatch \
 && /opt/treatywatch/bin/pip install --no-cache-dir --constraint constraints.txt --extra-index-url ${TORCH_INDEX} torch \
 && /opt/treatywatch/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/treatywatch --create-home treatywatch
COPY --from=build /opt/treatywatch /opt/treatywatch
ENV PATH=/opt/treatywatch/bin:$PATH \
    TREATYWATCH_STORAGE__DATA_DIR=/var/lib/treatywatch \
    PYTHONUNBUFFERED=1
USER treatywatch
# The model is unpacked into the image, so that the first pass starts at once and the root file system can be read-only.
RUN treatywatch doctor --only model
VOLUME /var/lib/treatywatch
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5m --timeout=60s --start-period=5m CMD ["treatywatch", "doctor", "--only", "database", "--only", "passes"]
ENTRYPOINT ["treatywatch"]
CMD ["serve"]
