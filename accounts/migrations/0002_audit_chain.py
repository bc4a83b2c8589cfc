from django.db import migrations, models


def put_into_chains(apps, _schema_editor):
    """Events that are there already belong to their tenant's chain; they are sealed like new ones."""
    events = apps.get_model("accounts", "AuditEvent").objects
    for tenant_id in events.exclude(tenant_id=None).values_list("tenant_id", flat=True).distinct():
        events.filter(tenant_id=tenant_id).update(chain=str(tenant_id))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('name', models.CharField(max_length=36, primary_key=True, serialize=False)),
                ('head_position', models.PositiveBigIntegerField(default=0)),
                ('head_digest', models.CharField(max_length=64)),
                ('removed_position', models.PositiveBigIntegerField(default=0)),
                ('removed_digest', models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name='auditevent',
            name='credential_id',
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='chain',
            field=models.CharField(default='platform', editable=False, max_length=36),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='position',
            field=models.PositiveBigIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='digest',
            field=models.CharField(blank=True, default='', editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(put_into_chains, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['position', 'id'], name='audit_unsealed'),
        ),
        migrations.AddConstraint(
            model_name='auditevent',
            constraint=models.UniqueConstraint(fields=('chain', 'position'), name='one_event_per_place_in_a_chain'),
        ),
    ]
